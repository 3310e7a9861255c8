"""From files to one packed uint8 array: read, run the steps of params.yaml, pack; and the readers of the result.

`preparing.prepare` writes, `store.open_images` and `store.read_index` read, `sheet.write_sheet` draws. Nothing is
imported here, so that a stage which only reads the store does not depend on the code that wrote it.
"""
