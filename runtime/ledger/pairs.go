package ledger

import (
	"encoding/json"
	"maps"
	"slices"
)

// Pairs are keys and values. Stores allow any bytes in both, and JSON text does
// not, so that a record holds them in base64: a value that came back otherwise
// would look like a change.
type Pairs map[string]string

// MarshalJSON writes a list of pairs, in the order of the keys.
func (p Pairs) MarshalJSON() ([]byte, error) {
	list := make([][2][]byte, 0, len(p))
	for _, key := range slices.Sorted(maps.Keys(p)) {
		list = append(list, [2][]byte{[]byte(key), []byte(p[key])})
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Pairs) UnmarshalJSON(text []byte) error {
	var list [][2][]byte
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*p = make(Pairs, len(list))
	for _, pair := range list {
		(*p)[string(pair[0])] = string(pair[1])
	}
	return nil
}
