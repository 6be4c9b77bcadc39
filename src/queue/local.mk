# sources of src/queue
