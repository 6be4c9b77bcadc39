# sources of src/inbound
