package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/antchfx/xmlquery"

	"github.com/parley-run/parley/xpathnames"
)

func xmlRequestSteps() []Step {
	set := func(rest, doc, example string, made func(*World, Args) (string, error)) Step {
		return given(`XPath "{xpath}" in request is `+rest, doc, `XPath "/request/cust_type" in request is `+example, setXPath(made))
	}
	return []Step{
		given(`namespace prefix "{prefix}" of "{namespace}"`, "A prefix for the XPaths of later steps. A name without prefix is in no namespace.",
			`namespace prefix "soap" of "http://schemas.xmlsoap.org/soap/envelope/"`, setNamespace),
		given(`SOAP action "{value}"`, "The header SOAPAction of requests.", `SOAP action "urn:get-customer"`, setSOAPAction),
		set(`"{value}"`, "Sets the text of the one element, or the value of the one attribute, that the XPath finds in the request.", `"B"`,
			func(_ *World, a Args) (string, error) { return a.Text(1), nil }),
		set(`a random string`, "Sets the letter a and 32 random hexadecimal digits.", `a random string`,
			func(w *World, _ Args) (string, error) { return w.randomText(), nil }),
		set(`a random integer`, "Sets a random number from 0 to 99.", `a random integer`,
			func(w *World, _ Args) (string, error) { return w.randomInteger().String(), nil }),
		set(`a random float`, "Sets a random number from 0 to 99 with a fraction.", `a random float`,
			func(w *World, _ Args) (string, error) { return w.randomFloat().String(), nil }),
		set(`a random date "{format}"`, "Sets the time now, in local time, written in a format that has a name.", `a random date "default"`, dateOf(time.Now)),
		set(`now "{format}"`, "Sets the time now, in local time.", `now "default"`, dateOf(time.Now)),
		set(`UTC now "{format}"`, "Sets the time now, in UTC.", `UTC now "default"`, dateOf(utcNow)),
		set(`a random date after "{date_start}" "{format}"`, "Sets a date, by chance, from 0 to 99,999 days after another.", `a random date after "2012-10-25" "default"`,
			func(w *World, a Args) (string, error) { return w.dateNear(a.Text(1), 1, a.Text(2)) }),
		set(`a random date before "{date_end}" "{format}"`, "Sets a date, by chance, from 0 to 99,999 days before another.", `a random date before "2012-10-25" "default"`,
			func(w *World, a Args) (string, error) { return w.dateNear(a.Text(1), -1, a.Text(2)) }),
		set(`a random date between "{date_start}" and "{date_end}" "{format}"`, "Sets a date, by chance, between two others: the first may be met, the second is not.",
			`a random date between "2012-10-25" and "2012-11-25" "default"`,
			func(w *World, a Args) (string, error) { return w.dateBetween(a.Text(1), a.Text(2), a.Text(3)) }),
		set(`one of "{value}"`, "Sets one of these texts, written with commas, by chance.", `one of "A,B,C"`,
			func(w *World, a Args) (string, error) {
				v, err := w.randomOf(a.Value(1))
				return textOf(v), err
			}),
	}
}

func setNamespace(_ context.Context, w *World, a Args) error {
	prefix := a.Text(0)
	if xpathnames.NameLength(prefix) != len(prefix) || prefix == "" {
		return fmt.Errorf("%q cannot be a prefix: it may have letters, digits, - and _ only, and begins with a letter", prefix)
	}
	w.namespaces[prefix] = a.Text(1)
	return nil
}

func setSOAPAction(_ context.Context, w *World, a Args) error {
	return w.setHeader("SOAPAction", a.Text(0))
}

func setXPath(made func(*World, Args) (string, error)) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		if w.payload.xml == nil {
			return errors.New(`there is no XML request to set it in; begin with: format "XML", and: request is "<...>"`)
		}
		found, err := query(w.payload.xml, a.Text(0), w.namespaces)
		switch {
		case err != nil:
			return err
		case found.scalar:
			return fmt.Errorf("XPath %q computes a value; only an element or an attribute can be set", a.Text(0))
		case len(found.hits) != 1:
			return prefixes(w.namespaces).notOne(w.payload.xml, "request", a.Text(0), found)
		}
		text, err := made(w, a)
		if err == nil {
			err = fitsXML(text)
		}
		if err != nil {
			return err
		}
		if err := found.hits[0].set(text); err != nil {
			return fmt.Errorf("XPath %q: %w", a.Text(0), err)
		}
		var b strings.Builder
		writeXML(&b, w.payload.xml)
		w.payload.raw = []byte(b.String())
		return nil
	}
}

// set changes an attribute's value, or what stands in an element before the first element inside it.
func (h hit) set(text string) error {
	switch {
	case h.attr >= 0:
		h.node.Attr[h.attr].Value = text
		return nil
	case h.node.Type != xmlquery.ElementNode:
		return errors.New("it finds a text or a comment; name the element around it")
	}
	var first *xmlquery.Node // element inside
	for c := h.node.FirstChild; c != nil && first == nil; {
		next := c.NextSibling
		switch c.Type {
		case xmlquery.ElementNode:
			first = c
		case xmlquery.TextNode:
			xmlquery.RemoveFromTree(c)
		}
		c = next
	}
	prepend(h.node, &xmlquery.Node{Type: xmlquery.TextNode, Data: text})
	return nil
}

func prepend(parent, n *xmlquery.Node) {
	n.Parent, n.NextSibling = parent, parent.FirstChild
	if n.NextSibling != nil {
		n.NextSibling.PrevSibling = n
	} else {
		parent.LastChild = n
	}
	parent.FirstChild = n
}
