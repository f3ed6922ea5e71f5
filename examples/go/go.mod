module example

go 1.24

require ampoule v0.0.0

replace ampoule => ../../guest-sdk/go
