"""Python objects as a content-addressed graph: encode on one side, decode on the other."""
