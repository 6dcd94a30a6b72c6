"""Tables in files, exactly as they stand there: delimited text and parquet."""
