package dev.postern.traffic;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A text with references in braces: {@code before {reference} after}. */
final class Template {
    /** A piece of it: a fixed text, or a reference. */
    private record Piece(String text, @Nullable Reference reference) {}

    private final List<Piece> pieces;

    private Template(List<Piece> pieces) {
        this.pieces = pieces;
    }

    /** Parses; what cannot be understood is reported and left out. */
    static Template parse(String text, Consumer<String> problems) {
        List<Piece> pieces = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            int open = text.indexOf('{', at);
            if (open < 0) {
                break;
            }
            int close = text.indexOf('}', open);
            if (close < 0) {
                problems.accept("\"" + text + "\" has a { without } (expected: {name})");
                break;
            }
            pieces.add(new Piece(text.substring(at, open), null));
            String inside = text.substring(open + 1, close);
            Reference reference = Reference.parse(inside);
            if (reference == null) {
                problems.accept("{" + inside + "} cannot be understood"
                        + " (expected: {variable}, {query:parameter} or {call.member.member})");
            } else {
                pieces.add(new Piece(inside, reference));
            }
            at = close + 1;
        }
        pieces.add(new Piece(text.substring(at), null));
        pieces.removeIf(piece -> piece.reference() == null && piece.text().isEmpty());
        return new Template(List.copyOf(pieces));
    }

    List<Reference> references() {
        List<Reference> all = new ArrayList<>();
        for (Piece piece : pieces) {
            if (piece.reference() != null) {
                all.add(piece.reference());
            }
        }
        return all;
    }

    /** The reference that is the whole text, or null. */
    @Nullable
    Reference whole() {
        return pieces.size() == 1 ? pieces.get(0).reference() : null;
    }

    String fill(Function<Reference, String> values) {
        StringBuilder text = new StringBuilder();
        for (Piece piece : pieces) {
            text.append(piece.reference() == null ? piece.text() : values.apply(piece.reference()));
        }
        return text.toString();
    }
}
