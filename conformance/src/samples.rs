//! The smallest valid media files, in base64, that the content scenarios accept.

/// A PNG of one pixel.
pub(crate) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg==";

/// The media type of [`PNG`].
pub(crate) const PNG_TYPE: &str = "image/png";

/// A WAV of four silent samples.
pub(crate) const WAV: &str =
    "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQgAAAAAAAAAAAAAAA==";

/// The media type of [`WAV`].
pub(crate) const WAV_TYPE: &str = "audio/wav";
