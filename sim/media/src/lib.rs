//! Clips, the frame marker, H.264 and picture quality: pixels and bytes in, pixels and bytes out.
