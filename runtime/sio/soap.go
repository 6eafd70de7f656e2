package sio

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// What a reply's Raw is where the format is SOAP, said by its ContentType. Anything else is a service's own reply as a whole.
// The namespace prefix xsi is for the envelope to declare.
const (
	SOAPFields = "application/soap+xml; part=fields" // elements without a prefix: what stands in the response element
	SOAPBody   = "application/soap+xml; part=body"   // the element that stands in Body, or an Envelope
)

// soapTop is how deep Body's first element stands.
const soapTop = 3

// DecodeSOAP reads what stands in the one element of a SOAP message's Body into the neutral form, as DecodeXML reads a
// root. Where Body is empty it is nil. Which envelope it is, and what its Header says, is ReadEnvelope's.
func DecodeSOAP(raw []byte) (any, error) {
	d, err := newXMLDecoder(bytes.TrimPrefix(raw, []byte("\ufeff")))
	d.top = soapTop
	var v any
	if err == nil {
		v, err = d.document(func() (any, error) { return d.envelope(d.element) })
	}
	if err != nil {
		return nil, d.malformed(err)
	}
	return v, nil
}

// fromSOAP is the input of a SOAP message.
func (c *Checker) fromSOAP(raw []byte, p *params) (any, error) {
	plain, err := newXMLDecoder(raw)
	plain.top = soapTop
	d := shapedXML{xmlDecoder: plain, checker: c, params: p, report: &report{}, repeats: true}
	var v any
	found := false
	operation := func() (any, error) {
		found = true
		return d.root()
	}
	if err == nil {
		v, err = d.document(func() (any, error) { return d.envelope(operation) })
	}
	switch {
	case err != nil:
		return nil, d.malformed(err)
	case !found:
		return c.fromTree(nil, p)
	}
	return v, d.report.invalid()
}

// envelope reads the Body's one element by one, up to the end of the Envelope that has just begun.
func (d *xmlDecoder) envelope(one func() (any, error)) (any, error) {
	return d.only("Body", func() (any, error) { return d.only("", one) })
}

// only reads the one child of that name, or any, of the element that has just begun: nil where there is none.
func (d *xmlDecoder) only(name string, read func() (any, error)) (v any, err error) {
	parent, found := d.name, false
	for {
		event, err := d.next()
		switch {
		case err != nil:
			return nil, err
		case event == xmlEnd && !found && name != "":
			return nil, faultAt(d.started, "<%s> has no %s", shorten(parent), name)
		case event == xmlEnd:
			return v, nil
		case event == xmlText && !isBlank(d.chars):
			return nil, faultAt(d.started, "text in <%s>, where elements should be", shorten(parent))
		case event == xmlText:
		case name != "" && d.name != name:
			if err := d.skip(); err != nil {
				return nil, err
			}
		case found:
			return nil, faultAt(d.started, "<%s> beside another element in <%s>, which holds one", shorten(d.name), shorten(parent))
		default:
			found = true
			if v, err = read(); err != nil {
				return nil, err
			}
		}
	}
}

// soap is a reply's payload as SOAP, and which part of a message that is. Text that is an element stands in Body as it is:
// the service has built it.
func (w *wrapper) soap(payload any) (raw []byte, part string, err error) {
	text, isText := payload.(string)
	if isText && w.checker.output == nil && strings.HasPrefix(strings.TrimSpace(text), "<") {
		if err := wellFormed(text); err != nil {
			return nil, "", err
		}
		return []byte(text), SOAPBody, nil
	}
	dst := make([]byte, 0, 512)
	s := w.checker.output
	if s == nil {
		raw, err = appendContent(dst, payload)
		return raw, SOAPFields, err
	}
	list, isList := payload.([]any)
	if !isList {
		raw, err = s.appendSOAP(dst, payload)
		return raw, SOAPFields, err
	}
	for _, one := range list {
		if dst, err = s.appendSOAP(append(dst, "<item>"...), one); err != nil {
			return nil, "", err
		}
		dst = append(dst, "</item>"...)
	}
	return dst, SOAPFields, nil
}

// IsXMLName says whether an element can have that name, without a prefix.
func IsXMLName(s string) bool { return isXMLName(s) }

// wellFormed finds what is wrong with a text that should be one element.
func wellFormed(text string) error {
	d, err := newXMLDecoder([]byte(text))
	if err == nil {
		_, err = d.document(func() (any, error) { return nil, d.skip() })
	}
	if err != nil {
		return d.malformed(err)
	}
	return nil
}

// appendSOAP appends the fields of a declared object. Lists are elements of one name, as XML Schema has them; what is null,
// or has no empty value in XML Schema, is left out where it may be.
func (s *structure) appendSOAP(dst []byte, v any) ([]byte, error) {
	o, ok := v.(*service.Object)
	if !ok {
		return appendContent(dst, v)
	}
	for key, e := range o.All() {
		var err error
		if i := s.layout.Find(key); i >= 0 {
			dst, err = s.fields[i].appendSOAP(dst, e)
		} else {
			dst, err = appendElement(dst, key, e)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (f *field) appendSOAP(dst []byte, v any) ([]byte, error) {
	if !isXMLName(f.name) {
		return dst, fmt.Errorf("%q is not a name that an XML element can have", f.name)
	}
	if list, isList := v.([]any); isList && (f.kind == typeList || f.kind == typeDictList) {
		one := f
		if f.of != nil {
			one = f.of
		}
		for _, e := range list {
			var err error
			if dst, err = one.appendOne(dst, e); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
	if f.nothing(v) && (!f.required || f.kind == typeList || f.kind == typeDictList) {
		return dst, nil
	}
	return f.appendOne(dst, v)
}

// nothing says whether XML Schema has no form for a value but that it is not there.
func (f *field) nothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == "" && f.kind != typeText && f.kind != typeAny && f.kind != typeCSV
	case *service.Object:
		return v.Len() == 0 && f.kind == typeDict
	}
	return false
}

func (f *field) appendOne(dst []byte, v any) ([]byte, error) {
	o, isObject := v.(*service.Object)
	text, isText := v.(string)
	switch {
	case f.nothing(v) && !isObject:
		return append(append(append(dst, '<'), f.name...), ` xsi:nil="true"/>`...), nil
	case isObject && f.inner != nil:
		dst = append(append(append(dst, '<'), f.name...), '>')
		dst, err := f.inner.appendSOAP(dst, o)
		return append(append(append(dst, "</"...), f.name...), '>'), err
	case isObject && (f.kind == typeDict || f.kind == typeDictList):
		return f.appendObject(dst, f.name, o)
	case isText:
		return appendElement(dst, f.name, f.lexical(text))
	}
	return appendElement(dst, f.name, v)
}

// lexical is a text as XML Schema writes values of the field's type.
func (f *field) lexical(s string) string {
	switch {
	case f.format != nil:
	case f.kind == typeDecimal:
		return plainDecimal(s)
	case f.kind == typeDateTime, f.kind == typeUTC:
		if len(s) > len("2006-01-02") && s[10] == ' ' {
			s = s[:10] + "T" + s[11:]
		}
		if f.kind == typeUTC && !strings.HasSuffix(s, "Z") {
			s += "Z"
		}
	}
	return s
}

// plainDecimal is a decimal number without an exponent, which XML Schema's do not have.
func plainDecimal(s string) string {
	i := strings.IndexAny(s, "eE")
	if i < 0 || !isDecimal(s) {
		return s
	}
	mantissa, sign := unsigned(s[:i]), ""
	if s[0] == '-' {
		sign = "-"
	}
	var exponent int
	_, _ = fmt.Sscan(strings.TrimPrefix(s[i+1:], "+"), &exponent) // isDecimal has looked at it
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits, point := whole+fraction, len(whole)+exponent
	if point < 0 {
		digits, point = strings.Repeat("0", -point)+digits, 0
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	whole, fraction = strings.TrimLeft(digits[:point], "0"), digits[point:]
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "."
	}
	return sign + whole + fraction
}
