module github.com/dspool/dspool

go 1.25.0
