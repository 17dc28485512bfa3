package answer

// polarity is 1 for a word that sounds glad, -1 for one that sounds sad.
func polarity(word string) int {
	switch word {
	case "good", "great", "excellent", "happy", "love", "loved", "loves", "wonderful", "best", "amazing",
		"fantastic", "nice", "perfect", "enjoy", "enjoyed", "delightful", "superb", "brilliant", "pleased",
		"glad", "thanks", "recommend", "positive", "fast", "friendly", "beautiful", "yes", "works":
		return 1
	case "bad", "terrible", "awful", "sad", "hate", "hated", "hates", "worst", "poor", "broken", "angry",
		"disappointed", "disappointing", "horrible", "slow", "rude", "useless", "never", "fails", "failed",
		"negative", "ugly", "boring", "refund", "crash", "crashed", "error", "no", "not", "wrong":
		return -1
	default:
		return 0
	}
}

// mood is the polarity of a choice among labels.
func mood(label string) int {
	switch label {
	case "positive", "pos", "happy", "joy", "good", "yes", "true", "love", "praise", "satisfied", "up", "pass":
		return 1
	case "negative", "neg", "sad", "sadness", "bad", "no", "false", "anger", "angry", "complaint", "down", "fail":
		return -1
	default:
		return 0
	}
}

// neutral reports whether a label stands for neither side.
func neutral(label string) bool {
	switch label {
	case "neutral", "none", "other", "mixed", "unknown", "unsure":
		return true
	default:
		return false
	}
}

// hurry reports whether a word says that something is urgent.
func hurry(word string) bool {
	switch word {
	case "urgent", "urgently", "immediately", "asap", "emergency", "critical", "outage", "now":
		return true
	default:
		return false
	}
}

// highest reports whether a label is the top of a scale of priorities.
func highest(label string) bool {
	switch label {
	case "high", "urgent", "critical", "highest", "p0", "severe":
		return true
	default:
		return false
	}
}

func stopWord(word string) bool {
	switch word {
	case "the", "and", "for", "are", "was", "were", "what", "which", "who", "whom", "whose", "when", "where",
		"why", "how", "does", "did", "has", "have", "had", "this", "that", "these", "those", "with", "from",
		"into", "about", "its", "it's", "you", "your", "our", "their", "they", "she", "his", "her", "him",
		"can", "could", "should", "would", "will", "not", "but", "all", "any", "than", "then", "there", "been",
		"being", "is", "of", "in", "to", "a", "an", "please", "tell", "give", "null", "true", "false":
		return true
	default:
		return false
	}
}

// capital answers the question that every demonstration asks.
func capital(country string) string {
	switch country {
	case "france":
		return "Paris"
	case "germany":
		return "Berlin"
	case "japan":
		return "Tokyo"
	case "italy":
		return "Rome"
	case "spain":
		return "Madrid"
	case "austria":
		return "Vienna"
	case "poland":
		return "Warsaw"
	case "portugal":
		return "Lisbon"
	case "canada":
		return "Ottawa"
	case "brazil":
		return "Brasília"
	case "india":
		return "New Delhi"
	case "kenya":
		return "Nairobi"
	default:
		return ""
	}
}
