# sources of src/outbound
