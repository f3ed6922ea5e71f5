module ampoule

go 1.24
