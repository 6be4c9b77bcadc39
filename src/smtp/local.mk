# sources of src/smtp
