# units, completion, examples
