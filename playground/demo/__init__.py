"""A stand-in AnyInt gateway: a pure ASGI app of the standard library alone, for trying and for tests."""
