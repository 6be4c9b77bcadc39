# sources of src/tls
