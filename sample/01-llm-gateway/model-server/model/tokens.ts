const TOKEN = / ?[\p{L}\p{N}]{1,6}|\s|[^\p{L}\p{N}\s]/gu;

/** Cuts text into pieces about the size of a model's tokens; joined, they are the text again. */
export function tokenize(text: string): string[] {
  return text.match(TOKEN) ?? [];
}
