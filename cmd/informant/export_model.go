package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"informant/decode"
	"informant/decode/cwmp"
	"informant/decode/transcript"
	"informant/replay"
)

// modelSink learns a device's data model from its sessions, and writes it as
// genieacs-sim and other simulators of CPEs read it: CSV, or with json an object of
// [writable, value, type] by path.
type modelSink struct {
	json, showSecrets bool
	devices           map[string]*replay.Model
	ids               map[string]cwmp.DeviceID
}

// Append learns a session.
func (m *modelSink) Append(dst []byte, it decode.Item) []byte {
	if it.Kind != decode.SessionItem {
		return dst
	}
	key := it.Session.Device.Key()
	if m.devices[key] == nil {
		if m.devices == nil {
			m.devices, m.ids = map[string]*replay.Model{}, map[string]cwmp.DeviceID{}
		}
		m.devices[key], m.ids[key] = replay.Learn(), it.Session.Device
	}
	m.devices[key].Learn(it.Session)
	return dst
}

// Finish writes the model.
func (m *modelSink) Finish(w io.Writer, _ decode.Totals) error {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(m.devices)), func(key string) bool {
		return len(m.devices[key].Parameters)+len(m.devices[key].Objects) == 0
	})
	switch {
	case len(keys) == 0:
		return errors.New("the sessions tell no parameter of a device")
	case len(keys) > 1:
		const most = 10
		more := ""
		if len(keys) > most {
			more = fmt.Sprintf(" and %d more", len(keys)-most)
		}
		return usageError{fmt.Errorf("there are several devices: choose one with --device: %s%s", transcript.Safe(strings.Join(keys[:min(most, len(keys))], ", ")), more)}
	}
	rows := m.rows(m.devices[keys[0]], m.ids[keys[0]])
	if m.json {
		return writeModelJSON(w, rows)
	}
	out := csv.NewWriter(w)
	if err := out.Write([]string{"Parameter", "Object", "Writable", "Value", "Value type"}); err != nil {
		return err
	}
	for _, r := range rows {
		if err := out.Write([]string{r.path, strconv.FormatBool(r.object), strconv.FormatBool(r.writable), r.value, r.kind}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// modelRow is a parameter or an object.
type modelRow struct {
	path             string // of an object without its last dot
	object, writable bool
	value, kind      string
}

func (m *modelSink) rows(model *replay.Model, d cwmp.DeviceID) (rows []modelRow) {
	for _, x := range [][2]string{{"Manufacturer", d.Manufacturer}, {"OUI", d.OUI}, {"ProductClass", d.ProductClass}, {"SerialNumber", d.SerialNumber}} {
		rows = append(rows, modelRow{path: "DeviceID." + x[0], value: x[1], kind: "xsd:string"})
	}
	for _, name := range model.Names() {
		if path, ok := strings.CutSuffix(name, "."); ok {
			rows = append(rows, modelRow{path: path, object: true, writable: model.Objects[name] != nil && *model.Objects[name]})
			continue
		}
		p := model.Parameters[name]
		r := modelRow{path: name, writable: p.Writable != nil && *p.Writable, value: p.Value}
		if p.Type != "" {
			r.kind = "xsd:" + p.Type
		}
		if cwmp.IsSecret(name) && !m.showSecrets {
			r.value = ""
		}
		rows = append(rows, r)
	}
	return rows
}

func writeModelJSON(w io.Writer, rows []modelRow) error {
	all := map[string][]any{}
	for _, r := range rows {
		switch {
		case r.object:
			all[r.path+"."] = []any{r.writable}
		case r.kind == "":
			all[r.path] = []any{r.writable, r.value}
		default:
			all[r.path] = []any{r.writable, r.value, r.kind}
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(all)
}

// modelJSON says whether a file's name asks for JSON.
func modelJSON(name string) bool { return strings.EqualFold(filepath.Ext(name), ".json") }
