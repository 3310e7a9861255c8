"""Decode image files into one packed uint8 array, and read that array; reading does not import the decoders."""
