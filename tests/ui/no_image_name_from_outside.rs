use bowline::image::reference::{ImageRef, ImageRefError, IntoImageRef};

struct Mine;

impl IntoImageRef for Mine {
    fn into_image_ref(self) -> Result<ImageRef, ImageRefError> {
        "busybox".parse()
    }
}

fn main() {}
