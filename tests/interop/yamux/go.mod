module proconsul/yamux

go 1.22

require github.com/hashicorp/yamux v0.0.0-20211028200310-0bc27b27de87
