"""Code that does not depend on any stage: errors, files, paths, random streams, the registry, console and progress."""
