package dev.postern.security;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads one JSON object where two readers must not see two things: names that occur twice, malformed UTF-8, lone
 * surrogates, nesting beyond 32 levels, numbers beyond 64 digits and anything after the object are refused.
 *
 * <p>Objects become maps, arrays lists, both immutable; integers become {@link Long} and, when too large, {@link
 * java.math.BigInteger}, other numbers {@link Double}. What is null is left out: for whoever reads claims it is the same
 * as absent.
 */
final class StrictJson {
    private static final int MAX_DEPTH = 32;

    // Names are not interned in the factory's table: whoever sends tokens would choose what it holds.
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(64)
                    .maxNameLength(256)
                    .maxStringLength(65_536)
                    .build())
            .build();

    private StrictJson() {}

    /**
     * The members of an object.
     *
     * @throws IOException when the bytes are anything else; its message says nothing of the content
     */
    static Map<String, Object> object(byte[] utf8) throws IOException {
        return withoutNulls(parse(utf8));
    }

    /** The same, refusing members that are null: where {@code "crit": null} must not be taken for no {@code crit}. */
    static Map<String, Object> objectOfValues(byte[] utf8) throws IOException {
        Map<String, @Nullable Object> members = parse(utf8);
        if (members.containsValue(null)) {
            throw new IOException("a member is null");
        }
        return withoutNulls(members);
    }

    private static Map<String, @Nullable Object> parse(byte[] utf8) throws IOException {
        try (JsonParser parser = FACTORY.createParser(decoded(utf8))) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("not a JSON object");
            }
            Map<String, @Nullable Object> members = members(parser);
            if (parser.nextToken() != null) {
                throw new IOException("more than one JSON value");
            }
            return members;
        } catch (JacksonException malformed) {
            // Without its cause: the parser's message quotes the content.
            throw new IOException("malformed JSON or beyond the limits");
        }
    }

    private static String decoded(byte[] utf8) throws IOException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString();
        } catch (CharacterCodingException malformed) {
            throw new IOException("not UTF-8");
        }
    }

    private static Map<String, @Nullable Object> members(JsonParser parser) throws IOException {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = text(parser.currentName());
            if (members.containsKey(name)) {
                throw new IOException("a member occurs twice");
            }
            parser.nextToken();
            members.put(name, value(parser));
        }
        return members;
    }

    private static Map<String, Object> withoutNulls(Map<String, @Nullable Object> members) {
        members.values().removeIf(Objects::isNull);
        return Collections.unmodifiableMap(members);
    }

    private static List<Object> elements(JsonParser parser) throws IOException {
        List<Object> elements = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            Object value = value(parser);
            if (value != null) {
                elements.add(value);
            }
        }
        return List.copyOf(elements);
    }

    private static @Nullable Object value(JsonParser parser) throws IOException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> withoutNulls(members(parser));
            case START_ARRAY -> elements(parser);
            case VALUE_STRING -> text(parser.getText());
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NUMBER_INT -> integer(parser);
            case VALUE_NUMBER_FLOAT -> fraction(parser);
            case VALUE_NULL -> null;
            default -> throw new IOException("no JSON value");
        };
    }

    private static Object integer(JsonParser parser) throws IOException {
        return parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                ? parser.getBigIntegerValue()
                : (Object) parser.getLongValue();
    }

    private static Double fraction(JsonParser parser) throws IOException {
        double value = parser.getDoubleValue();
        if (Double.isInfinite(value)) {
            throw new IOException("a number out of range");
        }
        return value;
    }

    /** Refuses a surrogate without its partner: encoders replace it, so two texts would become one. */
    private static String text(String text) throws IOException {
        if (text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            throw new IOException("a lone surrogate");
        }
        return text;
    }
}
