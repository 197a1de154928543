module github.com/wconf/wconf/guests/sdk/go

go 1.24
