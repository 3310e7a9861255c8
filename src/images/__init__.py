"""From files to one packed uint8 array, and its readers; a reader does not import what decodes."""
