package dev.postern.runtime.corpus;

import java.util.List;
import java.util.Map;

/**
 * One entry of the desync corpus.
 *
 * @param topic the file's name: an id of the table of threats, or a word
 * @param name unique in its file
 * @param expect what must happen: {@code 400 framing.te_and_cl} (refused), {@code same} or {@code GET /a} (forwarded, as
 *     sent or with this method and target), {@code answers 200 404} (answered without the origin), {@code cut} (begun, and
 *     visibly never ended)
 * @param unguarded the verdict of the second layer when there is no byte guard, or empty
 * @param gone names of fields that must not arrive, with the value that must not, or an empty one for any
 * @param twinExpect what must happen to the twin
 * @param origin targets that the origin sees although the connection ends in a refusal
 * @param parts the bytes; between two parts the origin must have got something
 * @param twin the nearest valid request, or empty
 * @param settings what only some cases say: {@code method}, {@code end}, {@code pool} of responses
 */
record Case(
        String topic,
        String name,
        String expect,
        String unguarded,
        Map<String, String> gone,
        String twinExpect,
        List<String> origin,
        List<byte[]> parts,
        byte[] twin,
        Map<String, String> settings) {

    boolean isRefused() {
        return Character.isDigit(expect.charAt(0));
    }

    boolean isForwarded() {
        return !isRefused() && !isCut() && !isAnswered();
    }

    boolean isCut() {
        return expect.equals("cut");
    }

    boolean isAnswered() {
        return expect.startsWith("answers ");
    }

    int status() {
        return Integer.parseInt(expect.substring(0, 3));
    }

    String reason() {
        return expect.substring(4);
    }

    /** All bytes of all parts. */
    byte[] bytes() {
        java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
        parts.forEach(all::writeBytes);
        return all.toByteArray();
    }

    @Override
    public String toString() {
        return topic + ": " + name;
    }
}
