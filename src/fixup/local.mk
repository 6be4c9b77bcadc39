# sources of src/fixup
