package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"informant/capture"
	"informant/capture/recording"
	"informant/decode/transcript"
)

type inspectOptions struct {
	files  []string
	output string
	quiet  bool
}

func newInspectCommand() *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect REC...",
		Short: "Say what recordings are and what is in them",
		Long: `Inspect tells of a recording where it comes from, how much is in it and of what
time, which devices the index of a sealed one names, and whether it ends as it
should and verifies. It reads all of it and decodes nothing.
` + exitHelp,
		Example: `  informant inspect office.cwmp
  informant inspect -o json *.cwmp | jq .records`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runInspect(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "text", "`form`: text or json (one object per recording)")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	return cmd
}

// inspection is what there is to say of a recording. Its JSON form is a contract:
// fields are only added.
type inspection struct {
	Schema      int                `json:"schema"`
	Type        string             `json:"type"` // "recording"
	Name        string             `json:"name"`
	Size        int64              `json:"size"` // of the file
	ID          string             `json:"id"`
	Created     *time.Time         `json:"created"`
	Tool        string             `json:"tool,omitempty"`
	Host        string             `json:"host,omitempty"`
	User        string             `json:"user,omitempty"`
	Command     string             `json:"command,omitempty"`
	Clock       string             `json:"clock,omitempty"`
	Dictionary  string             `json:"dictionary,omitempty"`
	Sources     []string           `json:"sources"`
	From        []string           `json:"from"`
	Follows     string             `json:"follows,omitempty"`
	More        int                `json:"recordingsBehind,omitempty"` // in the same file
	Records     uint64             `json:"records"`
	Connections uint64             `json:"connections"`
	Open        uint64             `json:"connectionsOpenAtEnd"`
	Bytes       int64              `json:"bytes"` // of traffic
	Gaps        uint64             `json:"gaps"`
	Unknown     int                `json:"unknownRecords,omitempty"`
	First       *time.Time         `json:"first"`
	Last        *time.Time         `json:"last"`
	Ends        string             `json:"ends"` // "whole", "torn", "damaged"
	Damage      []string           `json:"damage"`
	Sealed      bool               `json:"sealed"`
	Seal        *inspectedSeal     `json:"seal,omitempty"`
	Devices     []*inspectedDevice `json:"devices,omitempty"` // of a sealed recording
}

type inspectedSeal struct {
	Groups    uint64   `json:"groups"`
	Sessions  uint64   `json:"sessions"`
	Root      string   `json:"root"`
	Receipt   string   `json:"receipt"`
	Signature string   `json:"signature"`
	Key       string   `json:"key,omitempty"`
	Verifies  bool     `json:"verifies"`
	Problems  []string `json:"problems"`
}

type inspectedDevice struct {
	Device   string    `json:"device"` // "" where it is not known
	Sessions int       `json:"sessions"`
	Findings int       `json:"findings"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

func runInspect(ctx context.Context, o inspectOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := oneOf("output", o.output, "text", "json"); err != nil {
		return err
	}
	worst := exitOK
	for i, name := range o.files {
		x, code := inspectFile(ctx, name, o, stdin, stderr)
		if ctx.Err() != nil {
			return verdict(exitInterrupted)
		}
		if code != exitOK && (worst == exitOK || code < worst) {
			worst = code
		}
		if x == nil {
			continue
		}
		var text []byte
		if o.output == "json" {
			b, err := json.Marshal(x)
			if err != nil {
				return err
			}
			text = append(b, '\n')
		} else {
			if i > 0 {
				text = append(text, '\n')
			}
			text = x.append(text)
		}
		if _, err := stdout.Write(text); err != nil {
			return err
		}
	}
	if worst != exitOK {
		return verdict(worst)
	}
	return nil
}

// inspectFile looks at one recording. It is nil where that says nothing.
func inspectFile(ctx context.Context, name string, o inspectOptions, stdin io.Reader, stderr io.Writer) (*inspection, int) {
	m := &meter{}
	in, err := openInputs([]string{name}, opening{stdin: stdin, meter: m, accept: onlyRecordings})
	if err != nil {
		return nil, exitCode(err, stderr)
	}
	defer in.Close()
	if len(in.sources) == 0 {
		return nil, (&outcome{damage: in.damage}).report(stderr)
	}
	if !o.quiet && isTerminal(stderr) {
		m.show(stderr)
	}
	src := in.sources[0].(*recordingSource)
	p := &src.parts[0]
	x := &inspection{Schema: 1, Type: "recording", Name: p.name, Ends: "whole", Damage: []string{}}
	x.provenance(&p.header)
	count := &counting{ids: map[uint64]bool{}, last: p.header.ID}
	_ = eachRecord(ctx, in, func(r capture.Record, n int) error {
		if n%1024 == 0 {
			m.tick()
		}
		count.take(x, &r, src)
		return nil
	})
	m.done()
	x.Size = m.read.Load()
	x.Open = uint64(len(count.ids))
	if src.reader != nil {
		x.Unknown = src.reader.Unknown()
	}
	x.damaged(in.damage)
	code := (&outcome{damage: in.damage}).report(stderr)
	if p.file != nil && ctx.Err() == nil {
		x.seal(ctx, p)
	}
	if x.Seal != nil && !x.Seal.Verifies && code == exitOK {
		code = exitIncomplete
	}
	return x, code
}

// provenance takes what the header says.
func (x *inspection) provenance(h *recording.Header) {
	x.ID = hexID(h.ID)
	x.Created = known(h.Created)
	x.Tool, x.Host, x.User, x.Command, x.Clock = h.Tool, h.Host, h.User, h.Command, h.Clock
	x.Sources, x.From = slices.Concat([]string{}, h.Sources), slices.Concat([]string{}, h.From)
	if d := h.Dictionary; d.ID != 0 {
		x.Dictionary = fmt.Sprintf("%s (%d)", d.Name, d.ID)
	}
	if f := h.Follows; f != nil {
		x.Follows = fmt.Sprintf("%s, after record %d", hexID(f.ID), f.Seq)
	}
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// counting counts records.
type counting struct {
	ids  map[uint64]bool // connections that are open
	last [16]byte        // the recording that is read
}

func (c *counting) take(x *inspection, r *capture.Record, src *recordingSource) {
	if src.reader != nil {
		if id := src.reader.Header().ID; id != c.last {
			c.last = id
			x.More++
		}
	}
	x.Records++
	if !c.ids[r.Conn.ID] {
		c.ids[r.Conn.ID] = true
		x.Connections++
	}
	if r.Kind == capture.Close && r.Both {
		delete(c.ids, r.Conn.ID)
	}
	if r.Kind == capture.Gap {
		x.Gaps++
	}
	x.Bytes += int64(len(r.Data))
	if r.Time.IsZero() {
		return
	}
	if t := r.Time; x.First == nil || t.Before(*x.First) {
		x.First = &t
	}
	if t := r.Time; x.Last == nil || t.After(*x.Last) {
		x.Last = &t
	}
}

func (x *inspection) damaged(list []error) {
	torn := len(list) > 0
	for _, err := range list {
		for _, l := range strings.Split(err.Error(), "\n") {
			x.Damage = append(x.Damage, strings.TrimPrefix(l, x.Name+": "))
		}
		torn = torn && onlyTorn(err)
	}
	switch {
	case torn:
		x.Ends = "torn"
	case len(list) > 0:
		x.Ends = "damaged"
	}
}

// seal looks at the seal and the index.
func (x *inspection) seal(ctx context.Context, p *part) {
	sealed, err := recording.OpenSealed(p.file, p.size)
	if err != nil {
		if !errors.Is(err, recording.ErrNotSealed) {
			x.Sealed = true
			x.Seal = &inspectedSeal{Problems: []string{err.Error()}}
		}
		return
	}
	defer sealed.Close()
	x.Sealed = true
	s := sealed.Statement()
	x.Seal = &inspectedSeal{Groups: s.Groups, Sessions: s.Sessions, Root: fmt.Sprintf("%x", s.Root), Receipt: s.Receipt(), Problems: []string{}}
	devices := map[string]*inspectedDevice{}
	for e, err := range sealed.Sessions(recording.Query{NoGroups: true}) {
		if err != nil {
			continue // verifying tells it
		}
		d := devices[e.Device]
		if d == nil {
			d = &inspectedDevice{Device: e.Device, First: e.Start}
			devices[e.Device] = d
			x.Devices = append(x.Devices, d)
		}
		d.Sessions++
		d.Findings += e.Findings
		d.Last = e.Start
	}
	slices.SortFunc(x.Devices, func(a, b *inspectedDevice) int { return strings.Compare(a.Device, b.Device) })
	report, err := recording.Verify(&stoppable{p.file, ctx}, p.size, recording.VerifyOptions{})
	if err != nil {
		x.Seal.Problems = append(x.Seal.Problems, err.Error())
		return
	}
	for _, problem := range report.Problems {
		x.Seal.Problems = append(x.Seal.Problems, problem.String())
	}
	x.Seal.Verifies = report.OK()
	x.Seal.Signature, x.Seal.Key = report.Signature.String(), report.Key
}

// append appends the text form.
func (x *inspection) append(b []byte) []byte {
	var w bytes.Buffer
	line := func(name, form string, args ...any) {
		fmt.Fprintf(&w, "  %-12s %s\n", name, transcript.Safe(fmt.Sprintf(form, args...)))
	}
	some := func(name, value string) {
		if value != "" {
			line(name, "%s", value)
		}
	}
	state := "not sealed: nothing proves it"
	if x.Sealed {
		state = "sealed"
	}
	fmt.Fprintf(&w, "%s: recording, %s\n", x.Name, state)
	line("id", "%s", x.ID)
	if x.Created != nil {
		by := x.Tool
		if x.User != "" || x.Host != "" {
			by += ", " + x.User + "@" + x.Host
		}
		line("created", "%s by %s", stamp(x.Created), by)
	}
	some("command", x.Command)
	some("clock", x.Clock)
	for _, s := range x.Sources {
		line("source", "%s", s)
	}
	for _, s := range x.From {
		line("made of", "%s", s)
	}
	some("follows", x.Follows)
	if x.More > 0 {
		line("behind it", "%s in the same file", plural(x.More, "more recording", "more recordings"))
	}
	some("dictionary", x.Dictionary)
	line("size", "%s bytes", thousands(x.Size))
	line("records", "%s, %s bytes of traffic", thousands(int64(x.Records)), thousands(x.Bytes))
	if x.Unknown > 0 {
		line("", "%d of a kind that this version does not know", x.Unknown)
	}
	open := ""
	if x.Open > 0 {
		open = fmt.Sprintf(", %d open at its end", x.Open)
	}
	line("connections", "%s%s", thousands(int64(x.Connections)), open)
	if x.Gaps > 0 {
		line("gaps", "%s", thousands(int64(x.Gaps)))
	}
	if x.First != nil {
		line("span", "%s – %s", stamp(x.First), stamp(x.Last))
	}
	line("ends", "%s", x.Ends)
	for _, d := range x.Damage {
		line("damaged", "%s", d)
	}
	if s := x.Seal; s != nil {
		line("index", "%s of %s, in %s", plural(int(s.Sessions), "session", "sessions"), plural(len(x.Devices), "device", "devices"), plural(int(s.Groups), "group", "groups"))
		for _, d := range x.Devices {
			name := d.Device
			if name == "" {
				name = "(unknown)"
			}
			line("  device", "%s  %s, %s", name, plural(d.Sessions, "session", "sessions"), plural(d.Findings, "finding", "findings"))
		}
		some("receipt", s.Receipt)
		verifies := "yes, " + s.Signature
		if s.Key != "" {
			verifies += " (" + s.Key + ")"
		}
		if !s.Verifies {
			verifies = "NO"
		}
		line("verifies", "%s", verifies)
		for _, p := range s.Problems {
			line("", "%s", p)
		}
	}
	return append(b, w.Bytes()...)
}

func stamp(t *time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000Z") }
