"""What mail clients and help desks write around a person's words, in eight languages: the tables of the cleaner.

All of it is case-folded, with straight apostrophes, as `lines.mark` folds a line. The phrases were collected from what
Outlook, Gmail, Apple Mail, Thunderbird, Yahoo, Zoho, GMX, Samsung and BlackBerry send in English, German, French,
Spanish, Italian, Portuguese, Dutch and Japanese; further languages stand where one word was enough.
"""

from typing import Final

ANSWER_OPENINGS: Final = (
    "on ", "at ", "in article ", "quoting ", "am ", "zitat von ", "le ", "el ", "il ", "em ", "a ", "às ",
    "no dia ", "op ", "den ", "dnia ", "w dniu ",
)  # fmt: skip
"""How the line begins with which a client introduces the message that is answered."""

ANSWER_ENDS: Final = (
    "wrote", "writes", "wrote the following", "schrieb", "geschrieben", "a écrit", "a ecrit", "écrit", "escribió",
    "escribio", "ha scritto", "scritto", "escreveu", "schreef", "geschreven", "のメール", "書きました",
    "のメッセージ", "skrev", "napisał", "napisał(a)", "napisała", "написал", "写了", "пишет", "写道", "님이 작성",
    "wrote ----", "escribió ----", "schrieb ----", "a écrit ----", "ha scritto ----", "escreveu ----",
)  # fmt: skip
"""How it ends, colon aside."""

ANSWER_VERBS: Final = (
    " wrote in message ", " schrieb ", " schreef ", " wrote on ", " wrote (", " escreveu (", " a écrit le ",
    " escribió el ", " ha scritto il ", " escreveu em ", " schrieb am ", " het volgende geschreven", " w dniu ",
    " skrev ", "さんが", "님이",
)  # fmt: skip
"""Verbs that languages put before the name."""

SPEAKERS: Final = (
    "i wrote", "we wrote", "he wrote", "she wrote", "they wrote", "ich schrieb", "er schrieb", "sie schrieb",
    "wir schrieben", "ik schreef", "hij schreef", "ze schreef",
)  # fmt: skip
"""People tell of what was written too; no client writes pronouns, except `you wrote`."""

FROM: Final = frozenset((
    "from", "von", "de", "da", "van", "差出人", "送信者", "发件人", "보낸 사람", "från", "fra", "od", "от",
    "lähettäjä", "kimden", "feladó",
))  # fmt: skip
SENT: Final = frozenset((
    "sent", "gesendet", "gesendet am", "envoyé", "envoyé le", "enviado", "enviado el", "enviado em", "enviada em",
    "enviada", "inviato", "inviato il", "verzonden", "verzonden op", "送信日時", "发送时间", "보낸 날짜", "skickat",
    "sendt", "wysłano", "odesláno", "отправлено", "lähetetty", "gönderildi", "elküldve",
))  # fmt: skip
DATE: Final = frozenset({"date", "datum", "data", "fecha", "日付", "日時", "送信日", "date d'envoi", "dato", "дата"})
TO: Final = frozenset((
    "to", "an", "à", "a", "para", "aan", "per", "pour", "宛先", "收件人", "받는 사람", "till", "til", "do", "komu",
    "кому", "vastaanottaja", "kime", "címzett",
))  # fmt: skip
SUBJECT: Final = frozenset((
    "subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp", "件名", "主题", "제목", "ämne",
    "emne", "temat", "předmět", "тема", "aihe", "konu", "tárgy",
))  # fmt: skip
OTHER: Final = frozenset((
    "cc", "bcc", "kopie", "copie", "copia", "cópia", "cci", "cco", "ccn", "kopie (cc)", "reply-to", "antwort an",
    "répondre à", "responder a", "rispondi a", "responder para", "antwoord aan", "返信先", "importance",
    "wichtigkeit", "attachments", "anlagen", "pièces jointes", "datos adjuntos", "allegati", "anexos", "bijlagen",
    "添付ファイル", "priority", "priorität", "organization", "message-id",
))  # fmt: skip

ORIGINALS: Final = (
    "original message", "original-nachricht", "original appointment", "ursprüngliche nachricht",
    "originalnachricht", "ursprüngliche mail", "message d'origine", "message original", "mensaje original",
    "messaggio originale", "mensagem original", "oorspronkelijk bericht", "origineel bericht", "元のメッセージ",
    "元のメール", "original mail", "original email", "reply message", "forwarded message", "forwarded by",
    "weitergeleitete nachricht", "weitergeleitete mail", "message transféré", "message transmis",
    "mensaje reenviado", "messaggio inoltrato", "mensagem encaminhada", "mensagem reencaminhada",
    "doorgestuurd bericht", "転送されたメッセージ", "転送メッセージ", "転送メール", "转发的邮件", "原始邮件",
)  # fmt: skip
"""What stands between dashes above a message that is answered or passed on."""

FORWARD_LINES: Final = (
    "begin forwarded message:", "anfang der weitergeleiteten nachricht:", "anfang der weitergeleiteten e-mail:",
    "début du message transféré :", "début du message réexpédié :", "inicio del mensaje reenviado:",
    "inizio messaggio inoltrato:", "início da mensagem reencaminhada:", "início da mensagem encaminhada:",
    "begin doorgestuurd bericht:", "転送されたメッセージ:", "転送されたメッセージ\uff1a",
)  # fmt: skip
"""The same without dashes: Apple Mail."""

REPLY_ABOVE: Final = (
    "above this line", "above the line", "oberhalb dieser zeile", "über dieser zeile", "au-dessus de cette ligne",
    "encima de esta línea", "arriba de esta línea", "sopra questa riga", "sopra questa linea", "acima desta linha",
    "boven deze regel", "boven deze lijn", "この行より上", "この線より上", "この行の上",
)  # fmt: skip
REPLY_WORDS: Final = (
    "reply", "response", "type", "antwort", "schreiben", "répon", "saisi", "écri", "respuesta", "respond", "escrib",
    "rispond", "risposta", "scriv", "respost", "responda", "escrev", "antwoord", "typ", "返信", "入力", "##",
    "write",
)  # fmt: skip
"""A help desk's line above which a customer answers has one of each."""

SENT_FROM: Final = (
    "skickat från", "sendt fra", "wysłane z", "wysłano z", "odesláno z", "lähetetty", "发自我的", "从我的",
    "내 iphone에서", "отправлено", "sent from", "sent via", "sent by", "sent with",
    "sent using", "get outlook for", "gesendet von", "gesendet mit", "gesendet aus", "von meinem", "von meiner",
    "mit freundlichen grüssen gesendet", "outlook für", "diese nachricht wurde von", "holen sie sich outlook",
    "envoyé de", "envoyé depuis", "envoyé à partir", "envoyé avec", "téléchargez outlook", "télécharger outlook",
    "obtenez outlook", "enviado desde", "enviado con", "enviado por", "enviado do", "enviado da",
    "enviado a partir", "enviado pelo", "enviado de", "enviado via", "obtener outlook", "descargar outlook",
    "obtén outlook", "obter outlook", "obter o outlook", "baixe o outlook", "inviato da", "inviato con",
    "inviato tramite", "scarica outlook", "ottieni outlook", "verstuurd vanaf", "verstuurd met", "verstuurd via",
    "verzonden vanaf", "verzonden vanuit", "verzonden met", "verzonden via", "download outlook", "outlook voor",
    "outlook downloaden", "iphoneから送信", "ipadから送信", "androidから送信", "outlook for ios",
    "outlook for android", "outlook から送信", "スマートフォンから送信", "virus-free", "virenfrei", "sans virus",
    "libre de virus", "provenance : courrier", "please excuse any", "please excuse typos",
    "please excuse my brevity", "please excuse brevity",
    "excuse the brevity", "excuse typos", "bitte entschuldigen sie die kürze", "veuillez excuser ma brièveté",
    "por favor, disculpa mi brevedad", "disculpe mi brevedad", "mi scuso per la brevità", "desculpe a brevidade",
)  # fmt: skip
"""How a device or an app signs."""

EXCUSES: Final = ("please excuse", "excuse", "bitte entschuldigen", "veuillez excuser", "provenance : ")
"""Which are sentences or have a colon of their own, of any length."""

EXCUSED: Final = ("typo", "brevity", "tippfehler", "kürze", "brièveté", "frappe", "brevedad", "brevità", "brevidade")
"""What is excused behind a comma too: Sent from my phone, please excuse typos."""

SENT_LAST: Final = ("von meine", "diese nachricht")
SENT_LAST_ENDS: Final = ("gesendet", "verschickt")
"""German puts the verb last, and people begin sentences in the same way."""

STRONG_CLOSINGS: Final = frozenset((
    "best regards", "kind regards", "warm regards", "warmest regards", "with kind regards", "with best regards",
    "regards", "best wishes", "kindest regards", "sincerely", "sincerely yours", "yours sincerely",
    "yours faithfully", "yours truly", "yours", "respectfully", "with best wishes", "all the best", "best", "rgds",
    "br", "kr", "cordially", "mit freundlichen grüssen", "mit freundlichem gruss", "freundliche grüsse",
    "beste grüsse", "viele grüsse", "liebe grüsse", "herzliche grüsse", "schöne grüsse", "mit besten grüssen",
    "mit lieben grüssen", "hochachtungsvoll", "mfg", "lg", "vg", "gruss", "grüsse", "viele liebe grüsse",
    "lieben gruss", "cordialement", "bien cordialement", "très cordialement", "bien à vous", "sincères salutations",
    "meilleures salutations", "salutations distinguées", "salutations", "respectueusement", "cdlt",
    "bien sincèrement", "amicalement", "veuillez agréer mes salutations distinguées", "saludos",
    "saludos cordiales", "un saludo", "un cordial saludo", "cordiales saludos", "atentamente", "muy atentamente",
    "saludos atentos", "un abrazo", "reciba un cordial saludo", "cordialmente", "atte", "cordiali saluti",
    "distinti saluti", "un cordiale saluto", "saluti", "cari saluti", "i migliori saluti", "con i migliori saluti",
    "un saluto", "buona giornata e cordiali saluti", "atenciosamente", "cumprimentos",
    "com os melhores cumprimentos", "melhores cumprimentos", "saudações", "att", "abraços", "abraço", "um abraço",
    "cordiais saudações", "com os meus cumprimentos", "met vriendelijke groet", "met vriendelijke groeten",
    "vriendelijke groet", "vriendelijke groeten", "groet", "groeten", "groetjes", "mvg", "hartelijke groet",
    "hartelijke groeten", "met hartelijke groet", "hoogachtend", "敬具",
    "warmly", "abs", "kind rgds",
))  # fmt: skip
"""With these a letter ends."""

CLOSING_NOUNS: Final = frozenset((
    "regards", "wishes", "grüsse", "grüssen", "gruss", "salutations", "saludos", "saluti", "cumprimentos", "abraços",
    "groet", "groeten", "groetjes",
))  # fmt: skip
"""With one of these at its end a line of a few words closes a letter: `sunny greetings`."""

CLOSING_ENDS: Final = (
    "salutations distinguées", "sincères salutations", "meilleures salutations", "salutations respectueuses",
    "cordiali saluti", "distinti saluti", "un cordial saludo", "saludos cordiales", "melhores cumprimentos",
    "freundlichen grüssen", "freundlichem gruss", "vriendelijke groet", "kind regards", "best regards",
)  # fmt: skip
"""How sentences end with which a letter closes."""

WEAK_CLOSINGS: Final = frozenset((
    "thanks", "thank you", "many thanks", "thanks a lot", "thx", "thanks so much", "thank you so much", "cheers",
    "thank you very much", "thanks in advance", "thank you in advance", "thanks again", "ta", "take care",
    "with thanks", "thanks and regards", "thanks & regards", "danke", "vielen dank", "besten dank",
    "danke im voraus", "vielen dank im voraus", "herzlichen dank", "danke schön", "dankeschön", "merci",
    "merci beaucoup", "merci d'avance", "merci par avance", "bonne journée", "à bientôt", "gracias",
    "muchas gracias", "gracias de antemano", "mil gracias", "grazie", "grazie mille", "molte grazie",
    "grazie in anticipo", "obrigado", "obrigada", "muito obrigado", "muito obrigada", "desde já obrigado",
    "bedankt", "dank je wel", "dank u wel", "alvast bedankt", "hartelijk dank", "bij voorbaat dank", "dank je",
    "dank u", "talk soon", "see you", "see you soon", "speak soon", "have a great day", "have a good day",
    "have a nice day", "have a good weekend", "bis dann", "bis bald", "bis morgen", "schönen tag",
    "schönen tag noch", "einen schönen tag noch", "schönes wochenende", "bonne soirée", "bonne fin de journée",
    "bon week-end", "à plus", "hasta pronto", "hasta luego", "a presto", "buona giornata",
    "buona serata", "até breve", "até logo", "fijne dag", "fijne dag nog", "xx", "xoxo", "tot snel",
    "tot ziens",
))  # fmt: skip
"""These end a letter where a name follows; alone they are somebody's words."""

JOINTS: Final = (
    " / ", " aus ", " from ", " uit ", " desde ", " & ", " and ", " und ", " et ", " y ", " e ", " en ",
)  # fmt: skip
"""What stands between two closings, or before a place."""

POSTSCRIPTS: Final = ("ps:", "p.s", "ps ", "ps.", "p.d.", "pd:", "追伸", "nb:", "n.b.")

AFTERTHOUGHTS: Final = (
    *POSTSCRIPTS, "update", "edit:", "addendum", "correction", "one more thing", "another thing", "by the way", "btw",
    "also", "oh,", "oh and", "sorry", "i forgot", "forgot to", "nachtrag", "noch etwas", "noch eine", "übrigens",
    "ach ja", "au fait", "encore une", "j'ai oublié", "por cierto", "otra cosa", "olvidé", "a proposito",
    "un'altra cosa", "dimenticavo", "aliás", "a propósito", "mais uma coisa", "esqueci", "trouwens", "nog iets",
    "なお", "ちなみに",
)  # fmt: skip
"""How people begin what they add below their name."""

POLITE_ENDS: Final = (
    "よろしくお願いします", "よろしくお願いいたします", "よろしくお願い致します", "宜しくお願いします",
    "宜しくお願いいたします", "宜しくお願い致します", "よろしくお願い申し上げます", "以上です", "以上",
)  # fmt: skip
"""Japanese sentences that belong to the letter and after which only a name follows."""

FOOTERS: Final = (
    # confidentiality
    "confidentiality notice", "confidential notice", "confidentiality note", "disclaimer", "legal notice",
    "this e-mail and any", "this email and any", "this e-mail is confidential", "this email is confidential",
    "this e-mail may contain", "this email may contain", "this e-mail contains", "this email contains confidential",
    "this message and any", "this message contains confidential", "this message is intended",
    "this message may contain", "this communication is", "this communication may", "this transmission",
    "this e-mail, including", "this email, including", "this email message", "this e-mail message",
    "this email (including", "this e-mail (including", "this message (including",
    "the information contained in this", "the information in this e", "the contents of this e",
    "the content of this e", "the information transmitted", "privileged and confidential",
    "privileged/confidential", "if you are not the intended recipient", "if you have received this e",
    "if you are not the addressee", "notice: this e", "important: this e", "important notice:",
    "please consider the environment", "think before you print", "save a tree", "p please consider the environment",
    "registered in england", "registered office", "company registration", "diese e-mail enthält",
    "diese e-mail und", "diese nachricht enthält", "diese nachricht ist vertraulich",
    "diese nachricht ist ausschliesslich", "diese e-mail ist vertraulich", "diese e-mail ist ausschliesslich",
    "diese mail enthält vertrauliche", "der inhalt dieser e", "die in dieser e", "vertraulichkeitshinweis",
    "haftungsausschluss", "wichtiger hinweis: diese", "hinweis: diese e", "bitte denken sie an die umwelt",
    "denken sie an die umwelt", "bitte prüfen sie, ob diese", "wenn sie nicht der richtige adressat",
    "sollten sie nicht der", "falls sie nicht der", "geschäftsführer:", "geschäftsführung:",
    "sitz der gesellschaft", "handelsregister", "registergericht", "amtsgericht ", "ust-id", "ust-idnr",
    "vorstand:", "vorsitzender des", "ce message et toutes", "ce message et ses pièces", "ce message et les",
    "ce message électronique", "ce message est confidentiel", "ce message est destiné", "ce message contient",
    "ce courriel", "ce mail est confidentiel", "cet e-mail et", "cet email et", "cet e-mail est", "cet email est",
    "avis de confidentialité", "clause de confidentialité", "le présent message", "le contenu de ce",
    "les informations contenues dans ce", "si vous n'êtes pas le destinataire", "pensez à l'environnement",
    "avant d'imprimer", "merci de penser à l'environnement", "este mensaje y", "este mensaje contiene",
    "este mensaje es confidencial", "este mensaje se dirige", "este mensaje está dirigido",
    "este mensaje va dirigido", "este correo electrónico", "este correo y", "este correo contiene",
    "este e-mail contiene", "aviso legal", "aviso de confidencialidad", "la información contenida en este",
    "la información incluida en", "el contenido de este", "si usted no es el destinatario",
    "si no es usted el destinatario", "antes de imprimir", "por favor, piense en el medio ambiente",
    "en cumplimiento de la ley orgánica", "questo messaggio e", "questo messaggio contiene", "questo messaggio è",
    "questa e-mail", "questa email", "questa comunicazione", "avviso di riservatezza", "nota di riservatezza",
    "le informazioni contenute in", "il contenuto di questa", "il contenuto di questo", "il presente messaggio",
    "la presente e-mail", "la presente comunicazione", "ai sensi del", "prima di stampare", "rispetta l'ambiente",
    "esta mensagem e", "esta mensagem contém", "esta mensagem é", "esta mensagem pode", "esta mensagem, incluindo",
    "este e-mail e", "este email e", "este e-mail contém", "este email contém", "este e-mail pode",
    "este email pode", "este e-mail é", "aviso de confidencialidade", "aviso legal:", "as informações contidas",
    "a informação contida", "o conteúdo desta", "o conteúdo deste", "se você não é o destinatário",
    "se não é o destinatário", "antes de imprimir este", "pense no meio ambiente", "dit bericht is",
    "dit bericht en", "dit bericht kan", "dit e-mailbericht", "deze e-mail en", "deze e-mail is", "deze e-mail kan",
    "deze e-mail bevat", "deze email is", "deze email en", "de informatie in dit", "de informatie in deze",
    "de informatie verzonden", "de inhoud van dit", "de inhoud van deze", "vertrouwelijkheidsverklaring",
    "denk aan het milieu", "indien u niet de", "als u niet de", "本メールには", "本メールは", "このメールには",
    "このメールは、", "本電子メール", "このメールおよび", "本メールおよび", "本メール及び", "【機密", "※本メール",
    "※このメール",
    # mailing lists, notifications, trackers, help desks' references
    "ref:!", "ref:_",
    "you received this message because", "you are receiving this", "you're receiving this",
    "you received this email because", "to unsubscribe", "unsubscribe from", "unsubscribe:", "unsubscribe |",
    "click here to unsubscribe", "if you no longer wish", "to stop receiving", "to view this discussion",
    "for more options, visit", "reply to this email directly", "view it on github", "this email was sent to",
    "this email was sent from", "this email has been sent", "this e-mail was sent", "this email is a service from",
    "this email has been scanned", "this email has been checked", "this message was sent to",
    "this message was sent from", "this email was delivered by", "delivered by zendesk", "powered by",
    "no virus found", "manage your subscription", "manage your notification", "update your preferences",
    "email preferences", "view this email in your browser", "all rights reserved", "um sich abzumelden",
    "abmelden |", "newsletter abbestellen", "sie erhalten diese", "wenn sie keine weiteren",
    "vom newsletter abmelden", "diese e-mail wurde von avast", "diese e-mail wurde auf viren",
    "pour vous désabonner", "pour se désabonner", "se désabonner", "se désinscrire", "pour vous désinscrire",
    "vous recevez ce", "vous recevez cet", "si vous ne souhaitez plus", "para darse de baja",
    "para cancelar la suscripción", "cancelar suscripción", "darse de baja", "recibe este", "has recibido este",
    "ha recibido este", "si no desea recibir", "si ya no desea", "recibes este", "per cancellarti",
    "per annullare l'iscrizione", "per disiscriverti", "annulla iscrizione", "cancella iscrizione", "ricevi questa",
    "hai ricevuto questa", "ricevi questo", "se non desideri", "para cancelar a sua", "para cancelar a inscrição",
    "para cancelar sua inscrição", "cancelar inscrição", "cancelar subscrição", "você recebeu este",
    "você está recebendo", "recebeu este", "recebeu esta mensagem porque", "se não deseja", "se você não deseja",
    "om je af te melden", "om u af te melden", "uitschrijven", "u ontvangt deze", "je ontvangt deze",
    "u ontvangt dit", "je ontvangt dit", "als u geen", "配信停止", "メール配信の停止", "配信解除",
    "このメールは送信専用",
)  # fmt: skip
"""How a disclaimer, an imprint or the foot of a list begins; what follows belongs to it."""

DISCLAIMING: Final = (
    "confidential", "intended recipient", "privileged", "intended solely", "vertraulich", "adressat",
    "empfänger bestimmt", "rechtlich geschützt", "confidentiel", "destinataire", "confidencial", "destinatari",
    "privilegiada", "riservat", "confidenziali", "destinatário", "vertrouwelijk", "geadresseerde", "機密",
    "誤って受信", "受信者", "registered in", "registered office", "registration no", "vat no", "company no",
    "amtsgericht", "handelsregister", "ust-id", "geschäftsführer", "siret", "rcs ", "partita iva", "p.iva",
    "registro mercantil", "cnpj", "kvk",
)  # fmt: skip
"""Two of these in one line are a lawyer's or a firm's imprint."""

BANNERS: Final = (
    "caution: this email", "caution: this e-mail", "caution: external", "caution - external", "warning: this email",
    "warning: this e-mail", "warning: external", "external email", "external sender", "external: ", "[external]",
    "[extern]", "[caution", "[external", "you don't often get email from", "this email originated from",
    "this message originated from", "this message came from outside", "this sender is not",
    "some people who received this message", "achtung: diese e", "achtung: externe", "vorsicht: diese e",
    "vorsicht: externe", "externe e-mail", "diese e-mail kommt von", "diese e-mail stammt von",
    "sie erhalten nicht häufig e-mails von", "attention : ce", "attention: ce", "attention : courriel externe",
    "courriel externe", "mail externe", "ce message provient", "ce courriel provient",
    "vous n'obtenez pas souvent d'e-mail", "precaución: este", "atención: este", "correo externo",
    "este correo proviene", "este mensaje proviene de fuera", "no suele recibir correo", "attenzione: questa",
    "attenzione: questo", "mail esterna", "questo messaggio proviene", "questa e-mail proviene", "cuidado: este",
    "atenção: este", "atenção: esta", "e-mail externo", "este e-mail foi enviado de fora", "let op: deze",
    "let op: dit", "externe mail", "waarschuwing: deze", "deze e-mail is afkomstig", "【社外メール】", "[社外]",
    "[社外メール]", "注意: このメール", "注意\uff1aこのメール",
)  # fmt: skip
"""What a company's gateway puts above a mail from outside."""

CONTACT: Final = (
    "tel", "phone", "mobile", "mob", "cell", "fax", "office:", "direct:", "www.", "http", "e-mail:", "email:",
    "mail:", "skype", "linkedin", "telefon", "mobil", "handy", "tél", "téléphone", "portable", "teléfono", "móvil",
    "telefono", "cellulare", "telefone", "telemóvel", "celular", "telefoon", "mobiel", "電話", "携帯", "〒",
    "株式会社", "住所", "t:", "m:", "p:", "f:", "e:", "w:", "+", "t +", "m +", "t.", "m.",
)  # fmt: skip
"""How a line of a signature begins that says how to reach somebody."""
