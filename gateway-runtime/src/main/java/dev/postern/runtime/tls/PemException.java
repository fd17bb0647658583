package dev.postern.runtime.tls;

/** Why a file cannot be used: the message names the file and the cure, and never shows what is in it. */
public final class PemException extends Exception {
    private static final long serialVersionUID = 1;

    private final String text;

    PemException(String text) {
        super(text, null, false, false);
        this.text = text;
    }

    @Override
    public String getMessage() {
        return text;
    }
}
