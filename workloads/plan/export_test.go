package plan

// Missing is what Room counts of a plan.
func Missing(dir string, p *Plan) int64 { return needed(dir, p).Missing }
