# sources of src/ctl
