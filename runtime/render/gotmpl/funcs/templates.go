package funcs

var templates = []Function{{
	Name: "include", Usage: "include FILE [DATA]", Since: fork,
	Doc: "What another file of the templates directory renders, with DATA as its dot. Its `define`s stay its own. Files may include files ten deep, never themselves.",
	Code: func(r *Run) any {
		return func(name string, data ...any) (string, error) {
			var dot any
			if len(data) > 0 {
				dot = data[0]
			}
			return r.include(name, dot)
		}
	},
	Examples: []Example{{
		Keys: shop, Files: map[string]string{"part.tmpl": "listen {{.}};"},
		Template: `server { {{include "part.tmpl" (getv "/app/port")}} }`, Output: "server { listen 8080; }",
	}},
}}
