"""Tables in files and in memory, cells unchanged: delimited text, parquet, data frames."""
