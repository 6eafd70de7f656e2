package report

// Text is the whole failure as text, nothing cut.
func (f *Failure) Text() string { return (&look{}).failure(f) }

// Why is the failure without the request and the reply, nothing cut.
func (f *Failure) Why() string { return (&look{}).why(f) }

// Mask passes all of the failure's text through a function that takes secrets out.
func (f *Failure) Mask(text func(string) string) {
	for _, s := range []*string{&f.What, &f.Note, &f.Expected, &f.Got, &f.Hint} {
		*s = text(*s)
	}
	for i := range f.Differences {
		d := &f.Differences[i]
		d.Path, d.Expected, d.Got = text(d.Path), text(d.Expected), text(d.Got)
	}
	for i := range f.Timeline {
		for j, note := range f.Timeline[i].Notes {
			f.Timeline[i].Notes[j] = text(note)
		}
	}
	if e := f.Exchange; e != nil {
		e.Request, e.Curl, e.Reply = text(e.Request), text(e.Curl), text(e.Reply)
	}
}
