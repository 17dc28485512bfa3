package answer

import "strings"

// render writes the answer as the adapter wants it.
func (p *Prompt) render(fields []Field, values []value) string {
	switch p.Format {
	case JSON:
		return renderJSON(fields, values)
	case XML:
		return renderXML(fields, values)
	default:
		return renderChat(fields, values)
	}
}

func renderChat(fields []Field, values []value) string {
	var b []byte
	for i, f := range fields {
		b = append(b, "[[ ## "...)
		b = append(b, f.Name...)
		b = append(b, " ## ]]\n"...)
		b = values[i].appendSection(b, f)
		b = append(b, "\n\n"...)
	}
	return string(append(b, completedMarker...))
}

// appendSection writes what stands under a header: text and choices as they
// are, truth values as Python writes them, all else as JSON.
func (v value) appendSection(b []byte, f Field) []byte {
	switch {
	case v.kind == textKind && (f.text || len(f.schema.Enum) > 0 || v.kind == textKind && f.schema.Format != ""):
		return append(b, v.text...)
	case v.kind == boolKind:
		return append(b, strings.ToUpper(v.text[:1])+v.text[1:]...)
	default:
		return v.append(b)
	}
}

func renderJSON(fields []Field, values []value) string {
	v := value{kind: objectKind, items: values}
	for _, f := range fields {
		v.keys = append(v.keys, f.Name)
	}
	return string(v.append(nil))
}

func renderXML(fields []Field, values []value) string {
	var b []byte
	for i, f := range fields {
		if i > 0 {
			b = append(b, "\n\n"...)
		}
		if f.nested {
			b = values[i].appendElement(b, f.Name, "")
			continue
		}
		b = append(b, "<"+f.Name+">\n"...)
		b = append(b, escape(string(values[i].appendSection(nil, f)))...)
		b = append(b, "\n</"+f.Name+">"...)
	}
	return string(b)
}

// appendElement writes v as nested elements. A key that is no name goes into
// an attribute.
func (v value) appendElement(b []byte, tag, key string) []byte {
	b = append(b, "<"+tag...)
	if key != "" {
		b = append(b, ` key="`+strings.ReplaceAll(escape(key), `"`, "&quot;")+`"`...)
	}
	b = append(b, '>')
	switch v.kind {
	case nullKind:
	case listKind:
		for _, item := range v.items {
			b = item.appendElement(b, "item", "")
		}
	case objectKind:
		for i, item := range v.items {
			if name := v.keys[i]; elementName(name) {
				b = item.appendElement(b, name, "")
			} else {
				b = item.appendElement(b, "entry", name)
			}
		}
	default:
		b = append(b, escape(v.text)...)
	}
	return append(b, "</"+tag+">"...)
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(s)
}

// elementName reports whether s can name an element.
func elementName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !digit(c) && c != '-' && c != '.') {
			return false
		}
	}
	return s != "" && s != "item" && s != "entry"
}
