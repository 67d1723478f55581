//! The image of a service: built, pinned, or as written.

use super::Renderer;
use crate::name::{ImageReference, ServiceName};
use crate::stack::file::Service;

impl Renderer<'_> {
    /// The image to run and the image as written.
    pub(super) fn image(&mut self, name: &ServiceName, service: &Service) -> (String, String) {
        if service.build.is_some()
            && let Some(built) = self.inputs.images.get(name)
        {
            return (built.clone(), built.clone());
        }
        let Some(image) = &service.image else {
            let help =
                if service.build.is_some() { "build it first, or name an `image`" } else { "write `image` or `build`" };
            self.problem(&service.span, format!("the service `{name}` has no image"), help.to_owned());
            return Default::default();
        };
        if let Err(reason) = ImageReference::parse(image) {
            self.problem(&image.span, format!("`{}` is not an image: {reason}", image.value.escape_debug()), None);
        }
        let run = ImageReference::of(self.inputs.pinned.get(&image.value).unwrap_or(image)).familiar();
        (run, image.value.clone())
    }
}
