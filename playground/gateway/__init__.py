"""The AnyInt gateway's wire formats: pure codecs, and one transport that does I/O."""
