package mutate

// Kinds are all of them, in the same order each time.
func Kinds() ([]Kind, error) {
	kinds, err := ofSchema()
	if err != nil {
		return nil, err
	}
	more, err := ofCourse()
	return append(kinds, more...), err
}
