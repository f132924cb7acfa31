"""Mandarin for Kokoro: a sentence in spoken form to what the model is given to say.

Figures become words, characters pinyin, pinyin the sounds of Kokoro's alphabet, in which a tone is
an arrow. Traditional and Japanese characters are read like their simplified forms.
"""
