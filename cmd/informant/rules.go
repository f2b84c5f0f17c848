package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"informant/capture"
	"informant/capture/scenario"
	"informant/decode"
	"informant/decode/check"
	"informant/decode/transcript"
)

type rulesOptions struct {
	id     string
	output string
	color  string
}

func newRulesCommand() *cobra.Command {
	var o rulesOptions
	cmd := &cobra.Command{
		Use:   "rules [ID]",
		Short: "List the checks, or explain one with an example",
		Long: `Rules lists the catalogue of checks: id, severity, what must hold. With an ID it
explains that check: why it matters, where TR-069 says so, what must have been
seen to decide it, and a session that breaks it.
` + exitHelp,
		Example: `  informant rules
  informant rules EVT-010
  informant rules -o json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("one ID at most, not %d", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.id = args[0]
			}
			return runRules(o, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "`form`: text or json (one object per line)")
	cmd.Flags().StringVar(&o.color, "color", "auto", "`when`: auto, always or never")
	return cmd
}

func runRules(o rulesOptions, w io.Writer) error {
	if err := oneOf("output", o.output, "text", "json"); err != nil {
		return err
	}
	color, err := colored(o.color, w)
	if err != nil {
		return err
	}
	checks := check.All
	if o.id != "" {
		c := findCheck(o.id)
		if c == nil {
			return unknownCheck(o.id)
		}
		if o.output == "text" {
			return explain(c, w, color)
		}
		checks = []*check.Check{c}
	}
	for _, c := range checks {
		if o.output == "json" {
			err = ruleJSON(c, w)
		} else {
			_, err = fmt.Fprintf(w, "%-9s %-8s %s\n", c.ID, c.Severity.String()+fieldMark(c), c.Title)
		}
		if err != nil {
			return err
		}
	}
	if o.output == "text" {
		_, err = fmt.Fprintf(w, "\n%d checks. * one step lower with --checks field. 'informant rules ID' explains one.\n", len(checks))
	}
	return err
}

func fieldMark(c *check.Check) string {
	if c.Field {
		return "*"
	}
	return ""
}

// gates are the things that must have been seen, by their bit.
var gates = [...]struct{ name, text string }{
	{"wholeSession", "the session was captured from its beginning to its end"},
	{"counterpart", "the message and its counterpart were captured completely"},
	{"history", "what came before the capture is known"},
	{"wholeBody", "the body is complete"},
	{"plainHTTP", "the HTTP headers were seen, and no box between changed them"},
	{"goodClock", "the times are those of packets"},
	{"transport", "the TCP connection was seen"},
	{"secretOrPolicy", "a secret or a policy is known"},
}

func ruleJSON(c *check.Check, w io.Writer) error {
	needs := []string{}
	for i, g := range gates {
		if c.Gates&(1<<i) != 0 {
			needs = append(needs, g.name)
		}
	}
	b, err := json.Marshal(map[string]any{
		"schema": 1, "type": "rule", "id": c.ID, "title": c.Title, "severity": c.Severity.String(), "field": c.Field,
		"subject": subjects[c.Subject], "gates": needs, "ref": c.Ref, "doc": c.Doc,
	})
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	return err
}

// explain writes all there is to say about one check.
func explain(c *check.Check, w io.Writer, color bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n\n", c.ID, c.Title)
	if c.Doc != "" {
		b.WriteString(fill(c.Doc, 92, "  "))
	}
	fmt.Fprintf(&b, "  severity   %s", c.Severity)
	if c.Field {
		fmt.Fprintf(&b, ", %s with --checks field", max(c.Severity, 1)-1)
	}
	fmt.Fprintf(&b, "\n  reference  %s\n", c.Ref)
	word := "decided if"
	for i, g := range gates {
		if c.Gates&(1<<i) != 0 {
			fmt.Fprintf(&b, "  %-10s %s\n", word, g.text)
			word = "and"
		}
	}
	if text, _, ok := check.Example(c.ID); ok {
		b.WriteString("\nA session that breaks it:\n\n")
		account, err := tellScenario(c.ID, text, &transcript.Text{Color: color})
		if err != nil {
			return err
		}
		b.WriteString(account)
		b.WriteString("\nThe same as a scenario, which decode and check read:\n\n")
		for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
			b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
		}
		if policy := check.Policy(c.ID); policy != "" {
			b.WriteString("\nWith a profile (--checks FILE) that says:\n\n    " + strings.ReplaceAll(strings.TrimSpace(policy), "\n", "\n    ") + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fill wraps text at blanks.
func fill(text string, width int, indent string) string {
	var b strings.Builder
	for _, para := range strings.Split(strings.TrimSpace(text), "\n\n") {
		at := 0
		for _, word := range strings.Fields(para) {
			switch {
			case at == 0:
				b.WriteString(indent + word)
				at = len(indent) + len(word)
			case at+1+len(word) > width:
				b.WriteString("\n" + indent + word)
				at = len(indent) + len(word)
			default:
				b.WriteString(" " + word)
				at += 1 + len(word)
			}
		}
		b.WriteString("\n\n")
	}
	return b.String()
}

// tellScenario decodes a scenario and tells its items, without the footer.
func tellScenario(name, text string, form *transcript.Text) (string, error) {
	records, err := scenario.Parse(name, text)
	if err != nil {
		return "", err
	}
	var out []byte
	for _, it := range decodeAll(records, check.Judge(name)) {
		out = form.Append(out, it)
	}
	return strings.TrimRight(string(out), "\n") + "\n", nil
}

// decodeAll runs a Decoder over a few records.
func decodeAll(records []capture.Record, judge check.Checker) []decode.Item {
	d := decode.Decoder{Options: decode.Options{Check: judge}}
	var items []decode.Item
	for _, r := range records {
		items = append(items, d.Feed(r)...)
	}
	return append(items, d.Finish()...)
}
