module github.com/wconf/wconf/guests/tck/tck-go

go 1.24

require github.com/wconf/wconf/guests/sdk/go v0.0.0

replace github.com/wconf/wconf/guests/sdk/go => ../../sdk/go
