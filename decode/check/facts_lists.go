package check

import (
	"hash/maphash"
	"slices"

	"informant/decode/cwmp"
)

// nameList is what the names of a list of parameters tell, whatever their values.
type nameList struct {
	facts   facts
	marks   marks
	marked  []marked // those with marks, guarded ones aside
	vendors []int32  // those that may have a vendor's node of a wrong form
	secrets []int32  // those of a secret
	limits  []limit  // those whose values have a greatest length

	kept  bool
	asked uint64 // where it is kept: the hash of what was asked for when some of clean was found out
	clean clean
}

// clean are checks that have nothing to say of a list that answers certain paths.
type clean uint8

const (
	cleanAsked   clean = 1 << iota // all names are below the paths
	cleanMissing                   // none is missing
	cleanPartial                   // none is there too often
	cleanLevels                    // they go in depth
	cleanNext                      // they go no deeper
)

// limit is how long the value of a parameter may be at least without being too long for its
// data model.
type limit struct {
	at   int32 // in its list
	most uint16
}

// nameLists keeps what lists tell by a hash of their names: devices of one model tell the
// same lists over and over.
type nameLists struct {
	known map[uint64]*nameList
	noted int      // how many names are noted in all of them
	room  nameList // for one that isn't kept
}

const (
	maxLists = 1 << 10
	maxNoted = 1 << 15 // names, in all of them
	fewNames = 4       // of so few the names themselves tell sooner
)

// after is the hash of a list so far, with one name more.
func after(hash uint64, name string) uint64 {
	return (hash ^ maphash.String(nameSeed, name)) * 0x9e3779b97f4a7c15
}

// What a list is of. The hashes of different kinds differ.
const (
	ofValues uint64 = 1 + iota
	ofInfos
	ofAsked
	askingValues // what a request asks for, and not what a list tells
	askingNames
)

// find is what a list of that kind tells, nil where that is not known, and its hash: 0 of
// one that is not to be kept.
func find[T any](k *nameLists, kind uint64, list []T, name func(*T) string) (known *nameList, hash uint64) {
	if len(list) < fewNames {
		return nil, 0
	}
	hash = kind
	for i := range list {
		hash = after(hash, name(&list[i]))
	}
	return k.known[hash], hash
}

// begin is room for what a list tells, valid until the next call.
func (k *nameLists) begin() *nameList {
	x := &k.room
	*x = nameList{marked: emptiedList(x.marked), vendors: emptiedList(x.vendors), secrets: emptiedList(x.secrets), limits: emptiedList(x.limits)}
	return x
}

// keep keeps what the list of that hash tells, unless that is 0 or too many of its names are
// noted, and returns it.
func (k *nameLists) keep(hash uint64, x *nameList) *nameList {
	n := len(x.marked) + len(x.vendors) + len(x.secrets) + len(x.limits)
	if hash == 0 || n > maxNoted/4 {
		return x
	}
	if k.known == nil {
		k.known = map[uint64]*nameList{}
	}
	if k.noted += n; len(k.known) >= maxLists || k.noted > maxNoted {
		clear(k.known)
		k.noted = n
	}
	kept := &nameList{facts: x.facts, marks: x.marks, marked: slices.Clone(x.marked), vendors: slices.Clone(x.vendors), secrets: slices.Clone(x.secrets), limits: slices.Clone(x.limits), kept: true}
	k.known[hash] = kept
	return kept
}

// asks is a hash of what the request asks for that the pass's message answers, 0 where
// that is nothing with paths.
func (p *Pass) asks() (hash uint64) {
	if p.hashed {
		return p.question
	}
	p.hashed, p.question = true, 0
	t := p.transaction()
	if t == nil || p.Message.Kind != cwmp.Response {
		return 0
	}
	switch a := t.Request.Args.(type) {
	case *cwmp.GetParameterValues:
		hash = askingValues
		for i := range a.ParameterNames.Items {
			hash = after(hash, a.ParameterNames.Items[i].Value)
		}
	case *cwmp.GetParameterNames:
		hash = after(after(askingNames, a.ParameterPath.Value), a.NextLevel.Value)
	}
	p.question = hash
	return hash
}

// isClean says whether it is known that a check has nothing to say of the pass's message,
// since it had nothing to say of another that told the same names when the same was asked
// for; noteClean notes it.
func (p *Pass) isClean(k clean) bool {
	return p.told != nil && p.told.clean&k != 0 && p.told.asked == p.asks()
}

func (p *Pass) noteClean(k clean) {
	if p.told == nil || !p.told.kept || p.asks() == 0 {
		return
	}
	if p.told.asked != p.asks() {
		p.told.asked, p.told.clean = p.asks(), 0
	}
	p.told.clean |= k
}

// valueNames is what the names of parameters with values tell. It is valid until the next
// call.
func (p *Pass) valueNames(list []cwmp.ParameterValueStruct) *nameList {
	k, hash := find(&p.known, ofValues, list, func(x *cwmp.ParameterValueStruct) string { return x.Name.Value })
	if k != nil {
		return k
	}
	k = p.known.begin()
	p.again.start(len(list))
	names := p.nameReader()
	for i := range list {
		name := list[i].Name.Value
		odd, l := names.read(name)
		k.facts |= odd
		if l == nil {
			l = &anyEnding
			k.facts |= twice
		}
		if l.marks&^guarded != 0 {
			k.marks |= l.marks
			k.marked = append(k.marked, marked{i, l.marks})
		}
		if odd&vendorNames != 0 {
			k.vendors = append(k.vendors, int32(i))
		}
		if l.most < noLimit {
			k.limits = append(k.limits, limit{int32(i), l.most})
		}
		if l.marks&guarded != 0 && cwmp.IsSecret(name) {
			k.secrets = append(k.secrets, int32(i))
		}
		if k.facts&twice == 0 && p.again.seen(list, i, &names, l) {
			k.facts |= twice
		}
	}
	return p.known.keep(hash, k)
}

// infoNames is valueNames of a list that tells no values.
func (p *Pass) infoNames(list []cwmp.ParameterInfoStruct) *nameList {
	k, hash := find(&p.known, ofInfos, list, func(x *cwmp.ParameterInfoStruct) string { return x.Name.Value })
	if k != nil {
		return k
	}
	k = p.known.begin()
	names := p.nameReader()
	for i := range list {
		odd := names.facts(list[i].Name.Value) &^ partial
		k.facts |= odd
		if odd&vendorNames != 0 {
			k.vendors = append(k.vendors, int32(i))
		}
	}
	return p.known.keep(hash, k)
}

// askedNames is what the names of parameters and objects tell that are asked for.
func (p *Pass) askedNames(list []cwmp.Leaf) facts {
	k, hash := find(&p.known, ofAsked, list, func(l *cwmp.Leaf) string { return l.Value })
	if k != nil {
		return k.facts
	}
	k = p.known.begin()
	names := p.nameReader()
	for i := range list {
		k.facts |= names.facts(list[i].Value) &^ partial
	}
	return p.known.keep(hash, k).facts
}
