package transcript

import _ "embed"

// Schema is the JSON Schema (draft 2020-12) of a line of the JSON form.
//
//go:embed schema.json
var Schema string
