//! stub
use std::fmt;
/// s
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("image reference")]
pub struct ImageRefError;
impl From<ImageRefError> for crate::Error {
    fn from(e: ImageRefError) -> Self {
        crate::Error::ImageRef(e)
    }
}
/// s
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef(String);
impl ImageRef {
    /// s
    pub fn digest(&self) -> Option<&str> {
        None
    }
    /// s
    pub fn tag(&self) -> Option<&str> {
        None
    }
    /// s
    pub fn familiar_name(&self) -> &str {
        &self.0
    }
}
/// s
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageId(String);
impl std::str::FromStr for ImageId {
    type Err = ImageRefError;
    fn from_str(s: &str) -> Result<Self, ImageRefError> {
        Ok(Self(s.into()))
    }
}
/// s
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageName {
    /// s
    Id(ImageId),
    /// s
    Ref(ImageRef),
}
impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(i) => f.write_str(&i.0),
            Self::Ref(r) => f.write_str(&r.0),
        }
    }
}
/// s
pub trait IntoImageRef {
    /// s
    fn into_image_ref(self) -> Result<ImageRef, ImageRefError>;
}
/// s
pub trait IntoImageName {
    /// s
    fn into_image_name(self) -> Result<ImageName, ImageRefError>;
}
impl IntoImageRef for &str {
    fn into_image_ref(self) -> Result<ImageRef, ImageRefError> {
        Ok(ImageRef(self.into()))
    }
}
impl IntoImageName for &str {
    fn into_image_name(self) -> Result<ImageName, ImageRefError> {
        Ok(ImageName::Ref(ImageRef(self.into())))
    }
}
