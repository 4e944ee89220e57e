//! What an image on an engine can be called by, and what may stand for it in a call.

use std::fmt;
use std::str::FromStr;

use super::grammar::is_hex;
use super::{ImageRef, ImageRefError};

/// The full id of an image: `sha256:` and 64 hexadecimal digits.
///
/// It is read with or without its `sha256:`, since Podman leaves that out, and printed with it. A
/// shorter beginning of an id, such as `docker images` shows, is not an id but an [`ImageName`]:
/// an image might be called so, and only the engine knows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageId(Box<str>);

impl ImageId {
    /// Return the id: `sha256:` and 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Return the first 12 digits, as `docker images` prints them.
    pub fn short(&self) -> &str {
        self.0.get(7..19).unwrap_or(&self.0)
    }
}

impl FromStr for ImageId {
    type Err = ImageRefError;

    /// Read a full id, with or without `sha256:`.
    ///
    /// # Errors
    /// [`ImageRefError`] names the text and the rule that it breaks.
    fn from_str(text: &str) -> Result<ImageId, ImageRefError> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        if !is_hex(digits, 64) {
            let rule = "must be \"sha256:\" and 64 hexadecimal digits in lower case";
            return Err(ImageRefError::new("image id", text, rule));
        }
        Ok(ImageId(format!("sha256:{digits}").into()))
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ImageId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// What an image on an engine can be called by: its id, or a reference.
///
/// A text is an id only if it is a full one. The beginning of an id ("c51f86c28340") has the form
/// of a repository's name; it is kept as a reference, and the engine looks for an image of that
/// name first and for an id that begins so second.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageName {
    /// A full id: always the same image.
    Id(ImageId),
    /// A reference, or the beginning of an id.
    Ref(ImageRef),
}

impl FromStr for ImageName {
    type Err = ImageRefError;

    /// Read a full id or a reference.
    ///
    /// # Errors
    /// [`ImageRefError`] names the text and the rule that it breaks.
    fn from_str(text: &str) -> Result<ImageName, ImageRefError> {
        match text.parse() {
            Ok(id) => Ok(ImageName::Id(id)),
            Err(_) => text.parse().map(ImageName::Ref),
        }
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageName::Id(id) => id.fmt(f),
            ImageName::Ref(name) => name.fmt(f),
        }
    }
}

impl From<ImageId> for ImageName {
    fn from(id: ImageId) -> ImageName {
        ImageName::Id(id)
    }
}

impl From<ImageRef> for ImageName {
    fn from(name: ImageRef) -> ImageName {
        ImageName::Ref(name)
    }
}

pub(in crate::image) mod sealed {
    pub trait Sealed {}
}

/// What can stand where an image reference is wanted: a text, or an [`ImageRef`].
///
/// A text that is none is no error yet: that comes when the verb is awaited, before anything is
/// sent. No others can implement this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no image reference",
    label = "not an image reference",
    note = "a reference is a `&str`, a `String` or an `ImageRef`"
)]
pub trait IntoImageRef: sealed::Sealed {
    /// Read the reference.
    ///
    /// # Errors
    /// [`ImageRefError`] names the text and the rule that it breaks.
    fn into_image_ref(self) -> Result<ImageRef, ImageRefError>;
}

/// What can stand where an image on an engine is named: a text, an [`ImageRef`], an [`ImageId`],
/// an [`ImageName`], or a borrowed [`Image`](crate::Image).
///
/// A text that is none is no error yet: that comes when the verb is awaited, before anything is
/// sent. No others can implement this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name an image",
    label = "does not name an image",
    note = "an image is named by a `&str`, a `String`, an `ImageRef`, an `ImageId`, an `ImageName` \
            or an `&Image`"
)]
pub trait IntoImageName: sealed::Sealed {
    /// Read the name.
    ///
    /// # Errors
    /// [`ImageRefError`] names the text and the rule that it breaks.
    fn into_image_name(self) -> Result<ImageName, ImageRefError>;
}

macro_rules! name_images {
    ($($from:ty: $trait:ident::$method:ident -> $to:ty = |$it:ident| $value:expr;)*) => {$(
        impl $trait for $from {
            fn $method(self) -> Result<$to, ImageRefError> {
                let $it = self;
                $value
            }
        }
    )*};
}

macro_rules! seal {
    ($($from:ty),*) => {$(impl sealed::Sealed for $from {})*};
}

seal!(&str, String, &String, ImageRef, &ImageRef, ImageId, &ImageId, ImageName, &ImageName);

name_images! {
    &str: IntoImageRef::into_image_ref -> ImageRef = |text| text.parse();
    String: IntoImageRef::into_image_ref -> ImageRef = |text| text.parse();
    &String: IntoImageRef::into_image_ref -> ImageRef = |text| text.parse();
    ImageRef: IntoImageRef::into_image_ref -> ImageRef = |name| Ok(name);
    &ImageRef: IntoImageRef::into_image_ref -> ImageRef = |name| Ok(name.clone());
    &str: IntoImageName::into_image_name -> ImageName = |text| text.parse();
    String: IntoImageName::into_image_name -> ImageName = |text| text.parse();
    &String: IntoImageName::into_image_name -> ImageName = |text| text.parse();
    ImageRef: IntoImageName::into_image_name -> ImageName = |name| Ok(name.into());
    &ImageRef: IntoImageName::into_image_name -> ImageName = |name| Ok(name.clone().into());
    ImageId: IntoImageName::into_image_name -> ImageName = |id| Ok(id.into());
    &ImageId: IntoImageName::into_image_name -> ImageName = |id| Ok(id.clone().into());
    ImageName: IntoImageName::into_image_name -> ImageName = |name| Ok(name);
    &ImageName: IntoImageName::into_image_name -> ImageName = |name| Ok(name.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_id_is_an_id_and_a_short_one_a_name() {
        let hex = "0123456789abcdef".repeat(4);
        let full = format!("sha256:{hex}");
        for text in [&full, &hex] {
            let name = text.into_image_name().unwrap();
            assert_eq!(name, ImageName::Id(full.parse().unwrap()));
            assert_eq!(name.to_string(), full);
        }
        for text in ["c51f86c28340", "sha256:c51f86c28340", "ubuntu:22.04", "sha256"] {
            let name = text.into_image_name().unwrap();
            assert_eq!(name, ImageName::Ref(text.parse().unwrap()));
            // As it was: the engine compares it with the ids too.
            assert_eq!(name.to_string(), text);
        }
        let id: ImageId = hex.parse().unwrap();
        assert_eq!((id.as_str(), id.short()), (&*full, "0123456789ab"));
        assert!(hex.into_image_ref().is_err());
    }

    #[test]
    fn no_ids() {
        let hex = "a".repeat(64);
        for text in ["", "sha256:", "abc", &hex.to_uppercase(), &format!("sha512:{hex}{hex}")] {
            let error = text.parse::<ImageId>().unwrap_err().to_string();
            assert!(error.ends_with("64 hexadecimal digits in lower case"), "{error}");
        }
        assert!(hex.get(1..).unwrap().parse::<ImageId>().is_err());
    }

    #[test]
    fn everything_that_names_an_image_does() {
        let (text, name) = ("app:v1".to_owned(), "app:v1".parse::<ImageRef>().unwrap());
        assert_eq!((&text).into_image_ref().unwrap(), name);
        assert_eq!((&name).into_image_ref().unwrap(), name);
        assert_eq!(name.clone().into_image_ref().unwrap(), name);
        let image = ImageName::from(name.clone());
        assert_eq!((&text).into_image_name().unwrap(), image);
        assert_eq!(text.into_image_name().unwrap(), image);
        assert_eq!((&name).into_image_name().unwrap(), image);
        assert_eq!(name.into_image_name().unwrap(), image);
        assert_eq!((&image).into_image_name().unwrap(), image);
        let id: ImageId = "b".repeat(64).parse().unwrap();
        assert_eq!((&id).into_image_name().unwrap(), id.into_image_name().unwrap());
    }
}
