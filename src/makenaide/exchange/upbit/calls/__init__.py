"""The client's calls, by what they concern; each room adds its calls to `UpbitClient` over one `Line`."""
