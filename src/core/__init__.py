"""What knows no stage: errors, files, paths, random streams, the registry, console and progress."""
