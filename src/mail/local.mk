# sources of src/mail
