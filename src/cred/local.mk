# sources of src/cred
