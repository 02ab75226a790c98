module roomwarden

go 1.26
