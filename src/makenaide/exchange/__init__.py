"""The venue: its port (`venue`), Upbit over HTTP (`upbit`), and a built-in Upbit (`simulator`)."""
